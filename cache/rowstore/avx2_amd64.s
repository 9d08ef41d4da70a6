//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"

// func columns256(idx []int32, gaps, escapes []byte, last uint32)
//
// Whatever the bytes, no column is larger than last, and none smaller than the one before it. Sums of 16 gaps are made in
// words, in four steps. Blocks with an escape, and the last gaps, are done one by one.
TEXT ·columns256(SB), NOSPLIT, $0-76
	MOVQ idx_base+0(FP), DI
	MOVQ idx_len+8(FP), CX
	MOVQ gaps_base+24(FP), SI
	MOVQ escapes_base+48(FP), R8
	MOVQ escapes_len+56(FP), R9
	ADDQ R8, R9
	MOVL last+72(FP), R12

	MOVL         $-1, AX
	MOVQ         AX, X9
	VPBROADCASTD X9, Y9        // the column before
	MOVL         $127, DX      // escape
	MOVQ         DX, X10
	VPBROADCASTB X10, X10
	MOVL         $129, DX      // gapBias + 1
	MOVQ         DX, X11
	VPBROADCASTW X11, Y11
	MOVQ         R12, X12
	VPBROADCASTD X12, Y12

block:
	CMPQ         CX, $16
	JLT          last
	VMOVDQU      (SI), X0
	VPCMPEQB     X0, X10, X1
	VPMOVMSKB    X1, DX
	TESTL        DX, DX
	JNZ          escaped
	VPMOVSXBW    X0, Y0
	VPADDW       Y11, Y0, Y0
	VPSLLDQ      $2, Y0, Y1
	VPADDW       Y1, Y0, Y0
	VPSLLDQ      $4, Y0, Y1
	VPADDW       Y1, Y0, Y0
	VPSLLDQ      $8, Y0, Y1
	VPADDW       Y1, Y0, Y0
	VPSRLDQ      $14, X0, X1   // the sum of the first eight
	VPBROADCASTW X1, X1
	VEXTRACTI128 $1, Y0, X2
	VPADDW       X1, X2, X2
	VPMOVZXWD    X0, Y0
	VPMOVZXWD    X2, Y1
	VPSRLDQ      $14, X2, X2   // the sum of all
	VPBROADCASTD X2, Y2
	VPADDD       Y9, Y0, Y0
	VPADDD       Y9, Y1, Y1
	VPADDD       Y2, Y9, Y9
	VPMINUD      Y12, Y9, Y9
	VPMINUD      Y12, Y0, Y0
	VPMINUD      Y12, Y1, Y1
	VMOVDQU      Y0, (DI)
	VMOVDQU      Y1, 32(DI)
	ADDQ         $16, SI
	ADDQ         $64, DI
	SUBQ         $16, CX
	JMP          block

last:
	MOVQ  CX, BX
	TESTQ BX, BX
	JZ    done
	JMP   single

escaped:
	MOVQ $16, BX

// BX gaps one by one. Escapes that are not there are gaps of 0.
single:
	VMOVD   X9, AX
	MOVLQSX AX, AX
	SUBQ    BX, CX

next:
	MOVBQSX (SI), DX
	INCQ    SI
	CMPQ    DX, $127
	JNE     near
	XORL    DX, DX
	LEAQ    2(R8), R10
	CMPQ    R10, R9
	JGT     taken
	MOVWLZX (R8), DX
	CMPL    DX, $65535
	JNE     here
	XORL    DX, DX
	LEAQ    6(R8), R10
	CMPQ    R10, R9
	JGT     taken
	MOVL    2(R8), DX

here:
	MOVQ R10, R8

taken:
	SUBQ $128, DX

near:
	LEAQ    129(AX)(DX*1), AX
	CMPQ    AX, R12
	CMOVQGT R12, AX
	MOVL    AX, (DI)
	ADDQ    $4, DI
	DECQ    BX
	JNZ     next
	MOVQ         AX, X9
	VPBROADCASTD X9, Y9
	JMP          block

done:
	VZEROUPPER
	RET

#define FLOATS8(off, STORE) \
	VPMOVZXBD off(SI), Y0    \
	VCVTDQ2PS Y0, Y0         \
	STORE     Y0, (off*4)(DI)

#define FLOATS32(STORE) \
	FLOATS8(0, STORE)   \
	FLOATS8(8, STORE)   \
	FLOATS8(16, STORE)  \
	FLOATS8(24, STORE)  \
	ADDQ $32, SI        \
	ADDQ $128, DI       \
	SUBQ $32, CX

// func floats256(dst []uint32, codes []byte, stream bool)
TEXT ·floats256(SB), NOSPLIT, $0-49
	MOVQ    dst_base+0(FP), DI
	MOVQ    dst_len+8(FP), CX
	MOVQ    codes_base+24(FP), SI
	MOVBLZX stream+48(FP), R8
	TESTL   R8, R8
	JNZ     toLine

keep:
	CMPQ CX, $32
	JLT  rest
	FLOATS32(VMOVDQU)
	JMP  keep

toLine:
	TESTQ $63, DI
	JZ    stream
	TESTQ CX, CX
	JZ    done
	MOVBLZX   (SI), AX
	VXORPS    X0, X0, X0
	VCVTSI2SSL AX, X0, X0
	VMOVSS    X0, (DI)
	INCQ      SI
	ADDQ      $4, DI
	DECQ      CX
	JMP       toLine

stream:
	CMPQ CX, $32
	JLT  rest
	FLOATS32(VMOVNTDQ)
	JMP  stream

rest:
	TESTQ     CX, CX
	JZ        done
	MOVBLZX   (SI), AX
	VXORPS    X0, X0, X0
	VCVTSI2SSL AX, X0, X0
	VMOVSS    X0, (DI)
	INCQ      SI
	ADDQ      $4, DI
	DECQ      CX
	JMP       rest

done:
	VZEROUPPER
	RET
