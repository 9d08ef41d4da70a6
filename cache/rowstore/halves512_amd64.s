//go:build amd64 && !purego

#include "textflag.h"

// func lookupHalves512(dst []uint16, codes []byte, table []uint16, stream bool)
//
// 32 codes at a time look up a table of 128 in Z16 to Z19, whose halves Z20's bit tells apart. Codes of 128 and more are
// looked up one by one afterwards.
TEXT ·lookupHalves512(SB), NOSPLIT, $0-73
	MOVQ         dst_base+0(FP), DI
	MOVQ         dst_len+8(FP), CX
	MOVQ         codes_base+24(FP), SI
	MOVQ         table_base+48(FP), R9
	MOVBLZX      stream+72(FP), R8
	VMOVDQU16    (R9), Z16
	VMOVDQU16    64(R9), Z17
	VMOVDQU16    128(R9), Z18
	VMOVDQU16    192(R9), Z19
	MOVL         $64, AX
	VPBROADCASTW AX, Z20

	// What stands before the next line of memory.
	MOVQ    DI, BX
	NEGQ    BX
	ANDQ    $63, BX
	SHRQ    $1, BX
	CMPQ    CX, BX
	CMOVQLT CX, BX
	TESTQ   BX, BX
	JNZ     block

whole:
	MOVQ    $32, BX
	CMPQ    CX, BX
	CMOVQLT CX, BX
	TESTQ   BX, BX
	JZ      done

block:
	MOVL       $-1, AX
	BZHIL      BX, AX, AX
	KMOVD      AX, K1
	VMOVDQU8.Z (SI), K1, Y1
	VPMOVB2M   Y1, K3
	VPMOVZXBW  Y1, Z0
	VPTESTMW   Z20, Z0, K2
	VMOVDQA32  Z0, Z2
	VPERMI2W   Z17, Z16, Z0
	VPERMI2W   Z19, Z18, Z2
	VMOVDQU16  Z2, K2, Z0
	KMOVD      K3, DX
	TESTL      DX, DX
	JNZ        partial
	CMPQ       BX, $32
	JNE        partial
	TESTL      R8, R8
	JZ         partial
	VMOVNTDQ   Z0, (DI)
	ADDQ       $32, SI
	ADDQ       $64, DI
	SUBQ       $32, CX
	JMP        whole

partial:
	VMOVDQU16 Z0, K1, (DI)
	JMP       high

one:
	TZCNTL  DX, R10
	BLSRL   DX, DX
	MOVBLZX (SI)(R10*1), AX
	MOVW    (R9)(AX*2), AX
	MOVW    AX, (DI)(R10*2)

high:
	TESTL DX, DX
	JNZ   one
	ADDQ  BX, SI
	LEAQ  (DI)(BX*2), DI
	SUBQ  BX, CX
	JMP   whole

done:
	VZEROUPPER
	RET
