//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"

// func filter512(cols, positions []int32, kept []uint64, c *laneConstants) int
//
// A window of 64 bytes of the bitmap is looked at for 16 columns at a time, where they lie so near; else each column
// gathers its own 32 bits.
TEXT ·filter512(SB), NOSPLIT, $0-88
	MOVQ cols_base+0(FP), SI
	MOVQ cols_len+8(FP), CX
	MOVQ positions_base+24(FP), R8
	MOVQ kept_base+48(FP), R9
	MOVQ SI, DI                    // where kept columns go
	MOVQ R8, R13

	MOVQ         c+72(FP), AX
	VMOVDQU32    laneConstants_lanes(AX), Z16 // positions
	MOVL         $16, AX
	VPBROADCASTD AX, Z17
	MOVL         $7, AX
	VPBROADCASTD AX, Z18
	MOVL         $1, AX
	VPBROADCASTD AX, Z19
	MOVL         $31, AX
	VPBROADCASTD AX, Z20

block:
	TESTQ       CX, CX
	JLE         done
	MOVQ        $16, BX
	CMPQ        CX, BX
	CMOVQLT     CX, BX
	MOVL        $-1, AX
	BZHIL       BX, AX, AX
	KMOVW       AX, K4
	VMOVDQU32.Z (SI), K4, Z0
	MOVL        (SI), R10
	MOVL        -4(SI)(BX*4), R11
	ANDL        $-8, R10
	SUBL        R10, R11
	CMPL        R11, $512
	JCC         far
	VPBROADCASTD R10, Z1
	SHRL        $3, R10
	VPSUBD      Z1, Z0, Z2
	VPSRLD      $3, Z2, Z3
	VMOVDQU8    (R9)(R10*1), Z4
	VPERMB      Z4, Z3, Z3
	VPANDD      Z18, Z2, Z2
	VPSLLVD     Z2, Z19, Z2
	VPTESTMD    Z3, Z2, K4, K1

compress:
	VPCOMPRESSD.Z Z0, K1, Z0
	VPCOMPRESSD.Z Z16, K1, Z1
	KMOVW         K1, AX
	POPCNTL       AX, AX
	VMOVDQU32     Z0, (DI)
	VMOVDQU32     Z1, (R13)
	LEAQ          (DI)(AX*4), DI
	LEAQ          (R13)(AX*4), R13
	VPADDD        Z17, Z16, Z16
	ADDQ          $64, SI
	SUBQ          $16, CX
	JMP           block

far:
	VPSRLD      $5, Z0, Z1
	KMOVW       K4, K2
	VPXORD      Z3, Z3, Z3
	VPGATHERDD  (R9)(Z1*4), K2, Z3
	VPANDD      Z20, Z0, Z2
	VPSLLVD     Z2, Z19, Z2
	VPTESTMD    Z3, Z2, K4, K1
	JMP         compress

done:
	SUBQ R8, R13
	SHRQ $2, R13
	MOVQ R13, ret+80(FP)
	VZEROUPPER
	RET

// The bits of K1 as columns: bytes of Z16 that they select, added to Z2. The memory at DI is written as far as there are
// any.
#define COLUMNS(next) \
	KMOVQ         K1, DX             \
	POPCNTQ       DX, BX             \
	VPCOMPRESSB.Z Z16, K1, Z0        \
sixteen:                             \
	MOVQ          $16, R9            \
	CMPQ          BX, R9             \
	CMOVQLT       BX, R9             \
	MOVL          $-1, AX            \
	BZHIL         R9, AX, AX         \
	KMOVW         AX, K2             \
	VPMOVZXBD     X0, Z1             \
	VPADDD        Z2, Z1, Z1         \
	VMOVDQU32     Z1, K2, (DI)       \
	LEAQ          (DI)(R9*4), DI     \
	SUBQ          R9, BX             \
	JZ            next               \
	VALIGND       $4, Z0, Z0, Z0     \
	JMP           sixteen

// func emit512(idx []int32, set []uint64, c *laneConstants)
TEXT ·emit512(SB), NOSPLIT, $0-56
	MOVQ         idx_base+0(FP), DI
	MOVQ         set_base+24(FP), SI
	MOVQ         set_len+32(FP), CX
	MOVQ         c+48(FP), AX
	VMOVDQU8     laneConstants_bytes(AX), Z16
	VPXORD       Z2, Z2, Z2                // column of the word's first bit
	MOVL         $64, AX
	VPBROADCASTD AX, Z3
	XORL         R8, R8

word:
	TESTQ CX, CX
	JZ    done
	MOVQ  (SI), DX
	MOVQ  R8, (SI)
	ADDQ  $8, SI
	DECQ  CX
	TESTQ DX, DX
	JZ    next
	KMOVQ DX, K1
	COLUMNS(next)

next:
	VPADDD Z3, Z2, Z2
	JMP    word

done:
	VZEROUPPER
	RET

// func drain512(idx []int32, codes, row []byte, c *laneConstants)
TEXT ·drain512(SB), NOSPLIT, $0-80
	MOVQ         idx_base+0(FP), DI
	MOVQ         codes_base+24(FP), R8
	MOVQ         row_base+48(FP), SI
	MOVQ         row_len+56(FP), CX
	MOVQ         c+72(FP), AX
	VMOVDQU8     laneConstants_bytes(AX), Z16
	VPXORD       Z2, Z2, Z2
	MOVL         $64, AX
	VPBROADCASTD AX, Z3
	VPXORD       Z4, Z4, Z4

line:
	SUBQ          $64, CX
	JLT           done
	VMOVDQU8      (SI), Z5
	VPTESTMB      Z5, Z5, K1
	VMOVDQU8      Z4, (SI)
	ADDQ          $64, SI
	KORTESTQ      K1, K1
	JZ            next
	VPCOMPRESSB.Z Z5, K1, Z5
	VMOVDQU8      Z5, (R8)
	KMOVQ         K1, DX
	POPCNTQ       DX, DX
	ADDQ          DX, R8
	COLUMNS(next)

next:
	VPADDD Z3, Z2, Z2
	JMP    line

done:
	VZEROUPPER
	RET
